"""The web page for the attention of a model, and the gateway between it and a model server.

`gateway` answers the page's requests with `serving.client`, `libretranslate` those of translators'
tools, `guards` checks who may send them, and `program` runs it. `static/` is the page itself: HTML,
CSS and JavaScript modules without a build step. No module imports TensorFlow; `program` loads the
model server only to run one itself.
"""
