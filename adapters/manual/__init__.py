"""By hand: a person pastes the text where no program may write, and says so."""
