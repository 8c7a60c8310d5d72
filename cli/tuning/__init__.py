"""The search for the limits: what comes next (pure), what Optuna proposes, the real runs."""
