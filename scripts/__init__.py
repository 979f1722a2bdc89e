"""Commands of this project, and the Python behind them."""
