"""Small helpers of the notebooks, each to be copied into a project of your own.

| module | what it is for |
|---|---|
| `tables` | read tables, hold out the end, score a forecast against seasonal naive |
| `plots` | the series, the forecast, the leaderboard and the coverage, drawn |
| `jobs` | build, price, show, send and wait for training, transform and endpoint requests; files in S3 |
| `account` | the right client for an instance type, and the role, bucket and image that go with it |
| `monitor` | forecasts beside what came and what the backtest promised: drift, and whether to train again |
| `image` | build the image and push it to ECR, by Docker here or by CodeBuild there |
| `tracking` | an MLflow server on this machine, started and stopped |
| `local` | a SageMaker client that runs the container's programs as processes, and the SDK's local mode made whole |
"""
