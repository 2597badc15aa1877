"""Decay and noise by the evidence, equation (EV), and runs that go ahead to find them."""
