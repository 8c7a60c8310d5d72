"""`python -m fakes.edge …`: the process; `fakes.http.serve` tells its options."""

from fakes.edge.edge import make_app
from fakes.http import serve

serve.run("edge", make_app)
