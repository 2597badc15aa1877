"""Where a fit of a problem starts: the race of networks, equation (Race), and how they grow."""
