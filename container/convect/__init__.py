"""Convect Forecast: automatic time-series models, importable without SageMaker, boto3 or a web server."""

__version__ = "0.1.0"
