"""Trust in the labels: where a model that did not learn from them doubts them, and what somebody said of that."""
