"""What training does: models in the backtest, what they teach, how they are judged, and the work shared out."""
