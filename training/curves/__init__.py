"""Learning curves of several runs on one chart: the points, what tells the runs apart, and the chart as a file."""
