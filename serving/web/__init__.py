"""The page that shows what a model looks at, and the gateway between it and a model server.

`gateway` answers the page's requests with `serving.client`, `guards` says who may ask, `program`
runs it, and `static/` is the page itself: HTML, CSS and modules of JavaScript as they were written.
Nothing here imports TensorFlow; `program` loads the model server only if it is to run one.
"""
