"""What can be done about a model's decisions: fitted on the cube's cells, exported as a SavedModel, and judged on rows that nothing was fitted on."""
