"""Data cut into parts, so that what is fitted on one is judged on another; and given parts checked for rows that stand in several."""
