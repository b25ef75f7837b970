"""The rival of `npm run bench:load`: FAISS behind Python's own HTTP server, as little of a service as answers at all.

    python faiss_server.py --port N --factors FILE.npy --users FILE.npy --report FILE.json

GET /candidates?account=ROW&size=K answers with rows and scores as JSON, one thread of FAISS a request. The index is an IVF over
the rows as they are, with the least nprobe (a power of two) at which recall@500 over 64 accounts is 0.97.
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import faiss
import numpy as np

WANTED_RECALL = 0.97
K = 500


def built(rows, queries):
    lists = 2 ** round(np.log2(2 * len(rows) ** 0.5))
    name = f"IVF{lists},Flat"
    index = faiss.index_factory(rows.shape[1], name, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.max_points_per_centroid = 10, 64
    index.train(rows)
    index.add(rows)
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    truth = flat.search(queries, K)[1]
    index.nprobe = 1
    while True:
        found = index.search(queries, K)[1]
        recall = np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, truth)])
        if recall >= WANTED_RECALL or index.nprobe >= lists:
            return index, {"index": f"{name} nprobe={index.nprobe}", "recall": round(float(recall), 4)}
        index.nprobe *= 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    for name in ("--factors", "--users", "--report"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    rows, users = np.load(options.factors), np.load(options.users)
    asked = users[np.any(users != 0, axis=1)][:64]
    index, report = built(rows, asked)
    with open(options.report, "w") as out:
        json.dump(report, out)
    faiss.omp_set_num_threads(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self):
            address = urlsplit(self.path)
            if address.path == "/ready":
                body = b"ready\n"
            else:
                query = parse_qs(address.query)
                row, k = int(query["account"][0]), int(query["size"][0])
                scores, found = index.search(users[row : row + 1], k)
                body = json.dumps({"rows": found[0].tolist(), "scores": scores[0].tolist()}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, request, client_address):
            # The load generator closes its connections at the end, whatever is on its way.
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    Server(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
