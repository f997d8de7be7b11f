"""What a manager has to look after today, worst first."""
