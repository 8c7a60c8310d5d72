"""`python -m fakes.origin …`: the process; `fakes.http.serve` tells its options."""

from fakes.http import serve
from fakes.origin.origin import make_app

serve.run("origin-a", make_app)
