"""What forecasts are made of: level, trend, season and covariates, and what each covariate does to all series."""
