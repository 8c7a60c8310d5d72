"""`python -m fakes.supabase …`: the process; `fakes.http.serve` tells its options."""

from fakes.http import serve
from fakes.supabase.supabase import make_app

serve.run("supabase", make_app)
