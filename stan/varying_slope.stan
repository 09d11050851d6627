// A slope for each group, with a predictor of the slope:
//   y_i = alpha + beta_j[i] x_i + epsilon_i,   beta_j = gamma_0 + gamma_1 u_j + eta_j.
data {
  int<lower=1> N;                       // individuals
  int<lower=1> J;                       // groups
  array[N] int<lower=1, upper=J> g;     // the group of each individual
  vector[N] x;
  vector[N] y;
  vector[J] u;                          // one predictor a group
  int<lower=0, upper=1> flat;           // 1: flat priors on gamma
  real prior_mean;                      // otherwise normal ones
  real<lower=0> prior_sd;
}
parameters {
  real alpha;
  real gamma_0;
  real gamma_1;
  vector[J] eta;
  real<lower=0> sigma_b;
  real<lower=0> sigma_y;
}
transformed parameters {
  vector[J] beta = gamma_0 + gamma_1 * u + eta;
}
model {
  if (flat == 0) {
    gamma_0 ~ normal(prior_mean, prior_sd);
    gamma_1 ~ normal(prior_mean, prior_sd);
  }
  sigma_b ~ cauchy(0, 5);
  sigma_y ~ cauchy(0, 5);
  eta ~ normal(0, sigma_b);
  y ~ normal(alpha + beta[g] .* x, sigma_y);
}
