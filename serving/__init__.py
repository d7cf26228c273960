"""Everything after the push: the published versions, the model server, its clients and pages."""
