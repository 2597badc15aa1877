"""From conditions on points to the residual as a model, equation (PINN)."""
