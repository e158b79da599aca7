"""A sweep and its figure from Python: submitted to a service, waited for, and drawn with Plotly."""

import sys

import plotly.express as px

from mgic.client import Client
from mgic.records import SweepRequest

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
axes = {"block": ["full", "mgic"], "channels": [64, 128, 256, 512]}
with Client(url) as client:
    sweep = client.submit(SweepRequest(experiment="channel_scaling", axes=axes, name="cost against width"))
    ended = client.wait(sweep.id)
    rows = client.results("channel_scaling", sweep_id=str(sweep.id))
print(", ".join(f"{number} {status}" for status, number in ended.counts.items()))

rows.sort(key=lambda row: row["channels"])
figure = px.line(rows, x="channels", y="macs", color="block", markers=True, log_x=True, log_y=True)
figure.update_layout(title="MACs of one block", xaxis_title="channels", yaxis_title="MACs")
figure.write_html("cost-against-width.html")  # with Plotly's script in it: it opens without a network
