"""
Dense EASE (Steck, 2019) on the files of `npm run evaluate -- recommendation --train FILE --test FILE`, to compare with.
Needs numpy. The shop does not use it.

    python3 evaluate/recommendation/dense-ease.py --train FILE --test FILE [--ridge 100 200 500]

Prints a line of JSON for each ridge. The greatest over all ridges favours EASE: it is chosen on the test file.
"""

import argparse
import json

import numpy


def read_rows(path):
    """Rows of `user item item …`, as {user: [item, …]}; each item once."""
    rows = {}
    with open(path) as lines:
        for line in lines:
            user, *items = line.split() or [""]
            if user:
                rows[user] = list(dict.fromkeys(map(int, items)))
    return rows


def score_all(rows, liked, ridge):
    """
    Scores items for each user; only those of unseen items mean anything.

    EASE is B = I − P / diag(P) with P = (XᵀX + λI)⁻¹, one row and column for each item. For the smaller matrix of users,
    K = (XXᵀ + λI)⁻¹, the Woodbury identity gives λP = I − XᵀKX. So an unseen item j has the score −(KX)_uj / P_jj.
    """
    kernel = liked @ liked.T
    kernel[numpy.diag_indices_from(kernel)] += ridge
    inverse = numpy.linalg.inv(kernel)
    products = inverse @ liked
    diagonal = (1 - numpy.einsum("uj,uj->j", liked, products)) / ridge
    return -products / diagonal


def measure(scores, rows, users, test):
    """Recall and NDCG at 20, as `metrics.ts` defines them."""
    recall, gain = 0.0, 0.0
    discounts = 1 / numpy.log2(numpy.arange(2, 22))
    tested = 0
    for at, user in enumerate(users):
        wanted = set(test.get(user, ()))
        if not wanted:
            continue
        tested += 1
        own = scores[at]
        own[rows[user]] = -numpy.inf
        best = numpy.argpartition(-own, 20)[:20]
        best = best[numpy.argsort(-own[best], kind="stable")]
        hits = numpy.array([item in wanted for item in best])
        recall += hits.sum() / len(wanted)
        gain += (hits * discounts).sum() / discounts[: min(20, len(wanted))].sum()
    return {"users": tested, "recall_at_20": round(recall / tested, 4), "ndcg_at_20": round(gain / tested, 4)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--ridge", type=float, nargs="+", default=[100, 200, 500])
    options = parser.parse_args()
    rows, test = read_rows(options.train), read_rows(options.test)
    users = list(rows)
    items = 1 + max(max(of, default=0) for of in [*rows.values(), *test.values()])
    liked = numpy.zeros((len(users), items), dtype=numpy.float32)
    for at, user in enumerate(users):
        liked[at, rows[user]] = 1
    for ridge in options.ridge:
        scores = score_all(rows, liked, ridge)
        line = {"method": "dense-ease", "ridge": ridge, **measure(scores, rows, users, test)}
        print(json.dumps(line), flush=True)


main()
