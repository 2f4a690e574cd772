"""Dead letters as people handle them: listed, shown, sent again, dropped."""
