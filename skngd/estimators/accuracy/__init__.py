"""How exact a solution is, equation (Err), and what is said of it and of its unknowns."""
