"""`python -m fakes.upstream …`: the process; `fakes.http.serve` tells its options."""

from fakes.http import serve
from fakes.upstream.upstream import make_app

serve.run("upstream", make_app)
