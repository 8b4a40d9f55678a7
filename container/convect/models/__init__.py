"""The portfolio: local models series by series, and one global model over all of them."""
