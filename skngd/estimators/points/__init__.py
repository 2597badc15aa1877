"""The points of a problem, and the objective on them."""
