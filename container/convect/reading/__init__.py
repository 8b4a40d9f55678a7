"""From bytes to arrays: files, columns, stamps, frequencies, covariates and repair."""
