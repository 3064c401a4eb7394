"""What needs approval, what is protected, and what a guard holds back."""
