"""Problems that evolve in time, solved slab by slab, equation (Slab)."""
