"""Learning curves of classifiers: data, loops of ours and of peers, tables, plots."""
