"""Why a model fares worse elsewhere: how the photos, their labels and the network's features differ from home's."""
