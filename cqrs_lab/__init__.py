"""The command line, and what joins the parts: run, measure, judge, report."""
