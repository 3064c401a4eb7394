"""Reports: what a check found and needs approval, how it is shown, and what the decision starts."""
