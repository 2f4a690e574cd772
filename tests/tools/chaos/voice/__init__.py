"""The voice gateway of a round: it places the automated calls over a trunk by sipp, and both can be struck."""
