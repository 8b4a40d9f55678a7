"""What a trained artifact says: known series, newer history, series never seen, and what is told beside it."""
