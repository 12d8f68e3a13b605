"""Network families, one a file, all keeping `training.architectures.contract`."""
