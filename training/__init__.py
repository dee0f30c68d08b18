"""A config becomes a trained, evaluated, tracked run."""
