"""What the claims about speed are measured with: `make benchmarks`, or `python -m benchmarks`.

Every table is measured in one run on one machine and written to ``benchmarks/results``, from where
the book's page takes it.
"""
