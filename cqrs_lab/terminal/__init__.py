"""What each command shows in the terminal."""
