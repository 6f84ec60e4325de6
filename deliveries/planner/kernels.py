# mypy: allow-untyped-defs
"""The inner loops: bounds on how a trip can go on, the bundles that survive them, ruin and recreate.

Written as Python and run as machine code (:mod:`.compiled`): arrays of the types in ``TYPES`` and whole numbers go in, one
whole number comes out, everything else is filled in place. Nothing here allocates or raises, so that nothing of Python is
needed to run it, nor its lock. Room for the work comes from the caller, its content does not matter.

In all but ``anneal`` the arrays are of one associate: node 0 is the store, 1..n the stops they could carry; ``cost`` are
reduced edge costs in seconds (:mod:`.model`), ``gain`` what a stop brings in ticks after its dual price. Everything is
integer, so bounds are exact.
"""

from __future__ import annotations

import numpy as np

LOW = -(1 << 60)
LAST, PARENT, DETOUR, PROFIT, REACH, CARRIED, KILOS, LITRES, FIELDS = 0, 1, 2, 3, 4, 5, 6, 7, 8
"""Columns of a label: one cache line. REACH is profit plus completion bound; the other names are those of the trip so far."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
DONE, MORE_LABELS, MORE_SLOTS = 0, 1, 2
"""What ``bundles`` answers."""
LEVEL, LABEL, TOTAL, LOW_LABEL, HIGH_LABEL, INEXACT, IN_TABLE, STATES = 0, 1, 2, 3, 4, 5, 6, 7
"""Where ``bundles`` stopped."""
EMPTY = -2
"""First slot of a new table."""


def allowance(tolls, packages, weight, volume):
    """What the tolls on the rest of a trip come to at most, if so many packages, grams and millilitres are still free.

    ``tolls``: ticks per package, per 2^10 g, per 2^14 ml. A stop pays the same formula for what it uses, rounded down, so all
    further stops together never pay more than this: a bound with tolls plus the allowance is a bound without (Lagrange).
    """
    return tolls[0] * packages + ((tolls[1] * weight) >> 10) + ((tolls[2] * volume) >> 14)


def completions(
    arc_from,
    arc_to,
    cost,
    use,
    need,
    gain,
    active,
    count,
    rate,
    layers,
    width,
    best,
    after,
    second,
    second_after,
    third,
    room,
):
    """Upper bound, in ticks, of what may still be gained from a node with some detour left.

    Best walk without immediate return (2-cycle elimination) over the ``active`` stops. Detour left is counted in buckets,
    rounded up; an arc uses ``use`` whole buckets (rounded down), and arriving at j needs ``need[j]`` buckets left.
    With ``layers`` > 1 layer k holds walks of at most k packages; with one layer every ``use`` must be at least 1.
    Fills best/second/third, shape (layers, n + 1, width), and the stop each of the first two goes to next (-1: ends).
    ``room``: shape (4, arcs + n + 2).
    """
    n = gain.shape[0] - 1
    to, takes, net, bound = room[0], room[1], room[2], room[3]
    for k in range(layers):
        m = 0
        for i in range(n + 1):
            bound[i] = m
            for t in range(arc_from[i], arc_from[i + 1]):
                j = arc_to[t]
                if not active[j]:
                    continue
                v = gain[j] - rate * cost[t]
                if layers > 1:
                    below = k - count[j]
                    if below < 0 or v + best[below, j, width - 1] <= 0:
                        continue
                to[m], takes[m], net[m] = j, use[t], v
                m += 1
        bound[n + 1] = m
        for q in range(width):
            for i in range(n + 1):
                v1, n1, v2, n2, v3 = 0, -1, 0, -1, 0
                for t in range(bound[i], bound[i + 1]):
                    j = to[t]
                    left = q - takes[t]
                    if left < need[j]:
                        continue
                    below = k - count[j] if layers > 1 else 0
                    v = net[t]
                    if after[below, j, left] == i:
                        v += second[below, j, left]
                    else:
                        v += best[below, j, left]
                    if v > v3:
                        if v > v1:
                            v3 = v2
                            v2, n2 = v1, n1
                            v1, n1 = v, j
                        elif v > v2:
                            v3 = v2
                            v2, n2 = v, j
                        else:
                            v3 = v
                best[k, i, q], after[k, i, q] = v1, n1
                second[k, i, q], second_after[k, i, q] = v2, n2
                third[k, i, q] = v3
    return 0


def useful_arcs(
    arc_from,
    arc_to,
    cost,
    use,
    need,
    gain,
    active,
    count,
    rate,
    layers,
    width,
    start,
    threshold,
    best,
    after,
    second,
    first,
    other,
    origin,
    keep,
):
    """Which arcs lie on a walk whose profit may exceed ``threshold``: the walk to the arc plus the completion after it.

    Needs :func:`completions` of the same prices. Sets them in ``keep``, a mask over the arcs, and returns how many.
    ``first``, ``other`` and ``origin``: room, shape (layers, n + 1, width).
    """
    n = gain.shape[0] - 1
    first[:], other[:], origin[:], keep[:] = LOW, LOW, -1, False
    first[0, 0, 0] = start
    kept = 0
    for k in range(layers):
        for q in range(width):
            for i in range(n + 1):
                if first[k, i, q] == LOW:
                    continue
                for t in range(arc_from[i], arc_from[i + 1]):
                    j = arc_to[t]
                    if not active[j]:
                        continue
                    now = q + use[t]
                    above = k + count[j] if layers > 1 else 0
                    if now > width - 1 - need[j] or above >= layers:
                        continue
                    v = first[k, i, q]
                    if origin[k, i, q] == j:
                        v = other[k, i, q]
                        if v == LOW:
                            continue
                    v += gain[j] - rate * cost[t]
                    below = layers - 1 - above if layers > 1 else 0
                    left = width - 1 - now
                    h = second[below, j, left] if after[below, j, left] == i else best[below, j, left]
                    if v + h <= threshold:
                        continue
                    if not keep[t]:
                        keep[t] = True
                        kept += 1
                    if origin[above, j, now] == i:
                        first[above, j, now] = max(first[above, j, now], v)
                    elif v > first[above, j, now]:
                        other[above, j, now] = first[above, j, now]
                        first[above, j, now], origin[above, j, now] = v, i
                    elif v > other[above, j, now]:
                        other[above, j, now] = v
    return kept


def bundles(
    arc_from,
    arc_to,
    cost,
    cap,
    gain,
    count,
    weight,
    volume,
    by_count,
    packages,
    rate,
    start,
    most,
    fall,
    bucket,
    weight_cap,
    volume_cap,
    tolls,
    cut_from,
    cut_other,
    cut_price,
    threshold,
    best,
    after,
    second,
    second_after,
    third,
    limit,
    beam,
    all_sets,
    labels,
    key,
    members,
    table,
    inside,
    code,
    top,
    state,
):
    """All sets of stops whose profit exceeds ``threshold`` ticks, each with its shortest feasible order.

    Labels (set, last stop) level by level; of two with the same set and last stop only the one with the smaller detour lives;
    a label whose profit plus completion bound does not exceed the threshold is dropped. Unless ``all_sets``, so is one that
    would be better and shorter without one of its earlier stops: the largest profit is still found.
    ``tolls``: what the completion bounds charge for packages, weight and volume (:func:`allowance`).
    ``start``: profit of the empty label. ``most``: the largest detour allowed; ``fall``: seconds by which one more arc could
    shorten a detour (0 on sane maps). Cut c of node j: ``cut_from[j] <= c < cut_from[j + 1]`` with its two other nodes and its
    price, due on the second node in the set. ``limit``: labels to keep at most; ``beam``: labels of a level to expand at most
    (0: all).

    ``labels`` (size, FIELDS), ``key`` (size), ``members`` (size, stops of a trip at most + 1) and ``table`` (a power of two)
    are room that may become too little: then MORE_LABELS or MORE_SLOTS is returned, and the call is to be repeated with the
    same ``state`` and either more rows, the old ones kept, or a larger empty table. ``state``: zeros at first, then LEVEL and
    LABEL to go on with, TOTAL labels, LOW_LABEL and HIGH_LABEL of the level, whether labels were left out (INEXACT), and the
    first label that is IN_TABLE. ``inside`` (n + 1), ``code`` (n + 1) and ``top`` (beam): room.
    """
    n = gain.shape[0] - 1
    depth = min(n, packages)
    layers, width = best.shape[0], best.shape[2]
    size, slots = labels.shape[0], table.shape[0]
    if state[TOTAL] == 0:
        seed = np.uint64(88172645463325252)
        for j in range(n + 1):
            seed ^= seed << np.uint64(13)
            seed ^= seed >> np.uint64(7)
            seed ^= seed << np.uint64(17)
            code[j] = seed
        labels[0] = 0
        labels[0, PARENT] = -1
        labels[0, PROFIT] = start
        key[0] = np.uint64(0)
        state[TOTAL], state[HIGH_LABEL] = 1, 1
        table[:] = -1
    elif table[0] == EMPTY:
        table[:] = -1
        state[IN_TABLE] = state[LOW_LABEL]
        for o in range(state[LOW_LABEL], state[TOTAL]):
            at = _slot(key[o], labels[o, LAST], slots)
            while table[at] >= 0:
                at = (at + 1) & (slots - 1)
            table[at] = o
    inside[:] = 0
    total, low, high = state[TOTAL], state[LOW_LABEL], state[HIGH_LABEL]
    exact, since = state[INEXACT] == 0, state[IN_TABLE]
    for level in range(state[LEVEL], depth):
        floor = LOW
        if beam > 0 and high - low > beam:
            top[:] = LOW
            for label in range(low, high):
                t = beam - 1
                v = labels[label, REACH]
                if v <= top[t]:
                    continue
                while t > 0 and top[t - 1] < v:
                    top[t] = top[t - 1]
                    t -= 1
                top[t] = v
            floor = top[beam - 1]
            exact = False
        for label in range(max(low, state[LABEL]), high):
            if labels[label, REACH] < floor:
                continue
            if total + n > size or 2 * (total + n - since) > slots:
                state[LEVEL], state[LABEL], state[TOTAL], state[LOW_LABEL], state[HIGH_LABEL] = (
                    level,
                    label,
                    total,
                    low,
                    high,
                )
                state[INEXACT] = 0 if exact else 1
                return MORE_LABELS if total + n > size else MORE_SLOTS
            i = labels[label, LAST]
            for t in range(level):
                inside[members[label, t]] = 1
            for arc in range(arc_from[i], arc_from[i + 1]):
                j = arc_to[arc]
                if inside[j] == 1:
                    continue
                d = labels[label, DETOUR] + cost[arc]
                c = labels[label, CARRIED] + count[j]
                if d > cap[j] or c > packages:
                    continue
                left = most + fall * (packages - c) - d
                if left < 0:
                    continue
                w = labels[label, KILOS] + weight[j]
                v = labels[label, LITRES] + volume[j]
                if w > weight_cap or v > volume_cap:
                    continue
                p = labels[label, PROFIT] + gain[j] - rate * cost[arc]
                k = min(packages - c, layers - 1)
                q = min((left + bucket - 1) // bucket, width - 1)
                spare = allowance(tolls, packages - c, weight_cap - w, volume_cap - v)
                if p + spare + best[k, j, q] <= threshold:
                    continue
                for t in range(cut_from[j], cut_from[j + 1]):
                    if inside[cut_other[t, 0]] + inside[cut_other[t, 1]] == 1:
                        p -= cut_price[t]
                h = best[k, j, q]
                a = after[k, j, q]
                if a >= 0 and inside[a] == 1:
                    h = second[k, j, q]
                    a = second_after[k, j, q]
                    if a >= 0 and inside[a] == 1:
                        h = third[k, j, q]
                h += spare
                if p + h <= threshold:
                    continue
                mark = key[label] ^ code[j]
                if not all_sets and level > 0:
                    inside[j] = 1
                    worse = False
                    for t in range(level):
                        x = members[label, t]
                        less = mark ^ code[x]
                        at = _slot(less, j, slots)
                        while table[at] >= 0:
                            o = table[at]
                            if key[o] == less and labels[o, LAST] == j and o >= low and o < high:
                                if labels[o, DETOUR] <= d and labels[o, PROFIT] >= p:
                                    owed = p
                                    for y in range(cut_from[x], cut_from[x + 1]):
                                        if inside[cut_other[y, 0]] + inside[cut_other[y, 1]] == 1:
                                            owed += cut_price[y]
                                    worse = labels[o, PROFIT] >= owed
                                    for y in range(level):
                                        if inside[members[o, y]] == 0 or members[o, y] == x:
                                            worse = False
                                break
                            at = (at + 1) & (slots - 1)
                        if worse:
                            break
                    inside[j] = 0
                    if worse:
                        continue
                at = _slot(mark, j, slots)
                known = -1
                while table[at] >= 0:
                    o = table[at]
                    if key[o] == mark and labels[o, LAST] == j and o >= high:
                        same = True
                        for t in range(level + 1):
                            if members[o, t] != j and inside[members[o, t]] == 0:
                                same = False
                                break
                        if same:
                            known = o
                            break
                    at = (at + 1) & (slots - 1)
                if known >= 0:
                    if d < labels[known, DETOUR]:
                        labels[known, DETOUR], labels[known, PROFIT] = d, p
                        labels[known, PARENT], labels[known, REACH] = label, p + h
                    continue
                if total >= limit:
                    exact = False
                    continue
                labels[total, LAST], labels[total, PARENT], labels[total, DETOUR] = j, label, d
                labels[total, PROFIT], labels[total, REACH], labels[total, CARRIED] = p, p + h, c
                labels[total, KILOS], labels[total, LITRES], key[total] = w, v, mark
                for t in range(level):
                    members[total, t] = members[label, t]
                members[total, level] = j
                table[at] = total
                total += 1
            for t in range(level):
                inside[members[label, t]] = 0
            if not exact and beam == 0:
                break
        low, high = high, total
        if low == high or (not exact and beam == 0):
            break
    state[TOTAL], state[INEXACT] = total, 0 if exact else 1
    return DONE


def insertion_floor(drive, service, least):
    """Fill ``least``: by stop, the least a detour grows by having it between two other nodes.

    Negative only where the triangle inequality fails.
    """
    n = drive.shape[0] - 1
    least[:] = 1 << 40
    for j in range(1, n + 1):
        for i in range(n + 1):
            if i != j:
                for k in range(1, n + 1):
                    if k != j and k != i:
                        least[j] = min(least[j], drive[i, j] + drive[j, k] - drive[i, k] + service)
    return 0


def _slot(key, last, slots):
    """Where the search for a label with this set and last stop begins in a table of ``slots``, a power of two."""
    return np.int64((key * SPREAD + np.uint64(last)) >> np.uint64(20)) & (slots - 1)


def _draw(state, n):
    """A number in 0..n-1 from a xorshift generator whose state is ``state[0]``."""
    s = state[0]
    s ^= s << np.uint64(13)
    s ^= s >> np.uint64(7)
    s ^= s << np.uint64(17)
    state[0] = s
    return np.int64(s >> np.uint64(33)) % n


def _copy(routes, length, into, into_length):
    """Copy trips."""
    for a in range(length.shape[0]):
        into_length[a] = length[a]
        for t in range(length[a]):
            into[a, t] = routes[a, t]


def _measure(a, routes, length, drive, home, cap, service, at, slack):
    """Fill running detours ``at[a]`` and ``slack[a]`` (least room of this and later stops) of one trip."""
    i, d = 0, 0
    for t in range(length[a]):
        j = routes[a, t]
        d += drive[i, j] + home[a, j] - home[a, i] + service
        at[a, t] = d
        i = j
    least = 1 << 40
    for t in range(length[a] - 1, -1, -1):
        least = min(least, cap[a, routes[a, t]] - at[a, t])
        slack[a, t] = least


def anneal(
    drive,
    home,
    cap,
    by_count,
    count,
    weight,
    volume,
    value,
    bonus,
    packages,
    weight_cap,
    volume_cap,
    rate,
    service,
    able_from,
    able,
    near,
    routes,
    length,
    state,
    rounds,
    hot,
    cold,
    moved,
    spare,
    spare_length,
    by_trip,
    by_stop,
):
    """Ruin neighbouring strings of stops and insert what is free again, accepting by simulated annealing.

    After Christiaens and Vanden Berghe, Slack Induction by String Removals (2020), with optional stops. ``routes``
    (N, K) and ``length`` (N) hold the start and, on return, the best trips found; the last trips are then in ``spare[0]``
    (of shape (2, N, K)) and ``spare_length[0]`` (of shape (2, N)). Returns the best value. Temperatures in ticks.
    ``moved`` (2, N, K), ``by_trip`` (5, N) and ``by_stop`` (3, U + 1): room.
    """
    n, u = routes.shape[0], drive.shape[0] - 1
    at, slack = moved[0], moved[1]
    kept, kept_length, top_routes, top_length = spare[0], spare_length[0], spare[1], spare_length[1]
    carried, kilos, litres, changed, touched = by_trip[0], by_trip[1], by_trip[2], by_trip[3], by_trip[4]
    trip, free, rank = by_stop[0], by_stop[1], by_stop[2]
    by_trip[:] = 0
    trip[:] = -1
    now = 0
    for a in range(n):
        _measure(a, routes, length, drive, home, cap, service, at, slack)
        for t in range(length[a]):
            j = routes[a, t]
            trip[j] = a
            carried[a] += count[j]
            kilos[a] += weight[j]
            litres[a] += volume[j]
            now += value[j]
        if length[a] > 0:
            now += bonus[a] - rate * at[a, length[a] - 1]
    top = now
    _copy(routes, length, top_routes, top_length)
    _copy(routes, length, kept, kept_length)
    ratio = (cold / hot) ** (1.0 / max(1, rounds))
    heat = hot
    for _ in range(rounds):
        heat *= ratio
        changes, before = 0, now
        want = 1 + _draw(state, 6)
        seed = 1 + _draw(state, u)
        for t in range(near.shape[1]):
            j = near[seed, t]
            a = trip[j]
            if a < 0 or touched[a] == 1:
                continue
            size = length[a]
            for p in range(size):
                if routes[a, p] == j:
                    break
            cut = 1 + _draw(state, size)
            first = max(0, p - _draw(state, cut))
            first = min(first, size - cut)
            now -= bonus[a] - rate * at[a, size - 1]
            for q in range(first, first + cut):
                o = routes[a, q]
                trip[o] = -1
                now -= value[o]
                carried[a] -= count[o]
                kilos[a] -= weight[o]
                litres[a] -= volume[o]
            for q in range(first + cut, size):
                routes[a, q - cut] = routes[a, q]
            length[a] = size - cut
            _measure(a, routes, length, drive, home, cap, service, at, slack)
            if length[a] > 0 and (at[a, length[a] - 1] > by_count[a, carried[a]] or slack[a, 0] < 0):
                # Fewer packages pay less: what is left would be below the floor. Or, where drive times break the triangle
                # inequality, without a stop on the way the next is reached too late. So the whole trip is taken apart.
                for q in range(length[a]):
                    o = routes[a, q]
                    trip[o] = -1
                    now -= value[o]
                    carried[a] -= count[o]
                    kilos[a] -= weight[o]
                    litres[a] -= volume[o]
                length[a] = 0
                _measure(a, routes, length, drive, home, cap, service, at, slack)
            if length[a] > 0:
                now += bonus[a] - rate * at[a, length[a] - 1]
            touched[a] = 1
            changed[changes] = a
            changes += 1
            if changes >= want:
                break
        m = 0
        how = _draw(state, 4)
        for j in range(1, u + 1):
            if trip[j] < 0 and able_from[j] < able_from[j + 1]:
                free[m] = j
                if how == 0:
                    rank[m] = -value[j]
                elif how == 1:
                    rank[m] = drive[0, j]
                elif how == 2:
                    rank[m] = -drive[0, j]
                else:
                    rank[m] = _draw(state, 1 << 30)
                m += 1
        for t in range(1, m):
            j, v = free[t], rank[t]
            p = t
            while p > 0 and rank[p - 1] > v:
                free[p], rank[p] = free[p - 1], rank[p - 1]
                p -= 1
            free[p], rank[p] = j, v
        for t in range(m):
            j = free[t]
            most, pick, place = 0, -1, 0
            for r in range(able_from[j], able_from[j + 1]):
                a = able[r]
                c = carried[a] + count[j]
                if c > packages[a] or kilos[a] + weight[j] > weight_cap[a] or litres[a] + volume[j] > volume_cap[a]:
                    continue
                size = length[a]
                room = by_count[a, c] - (at[a, size - 1] if size > 0 else 0)
                if _draw(state, 100) == 0:
                    continue
                plain = value[j] + (bonus[a] if size == 0 else 0)
                i, d = 0, 0
                for p in range(size + 1):
                    reach = drive[i, j] + home[a, j] - home[a, i] + service
                    if p < size:
                        k = routes[a, p]
                        delta = drive[i, j] + drive[j, k] - drive[i, k] + service
                        fits = delta <= slack[a, p]
                    else:
                        k = i
                        delta = reach
                        fits = True
                    if fits and delta <= room and d + reach <= cap[a, j] and plain - rate * delta > most:
                        most, pick, place = plain - rate * delta, a, p
                    if p < size:
                        d = at[a, p]
                        i = k
            if pick >= 0:
                a = pick
                for q in range(length[a], place, -1):
                    routes[a, q] = routes[a, q - 1]
                routes[a, place] = j
                length[a] += 1
                carried[a] += count[j]
                kilos[a] += weight[j]
                litres[a] += volume[j]
                trip[j] = a
                now += most
                _measure(a, routes, length, drive, home, cap, service, at, slack)
                if touched[a] == 0:
                    touched[a] = 1
                    changed[changes] = a
                    changes += 1
        luck = (1 + _draw(state, 1 << 30)) / (1 << 30)
        accept = now > before + heat * np.log(luck)
        if not accept:
            now = before
            for t in range(changes):
                a = changed[t]
                for q in range(length[a]):
                    trip[routes[a, q]] = -1
        for t in range(changes):
            a = changed[t]
            touched[a] = 0
            if accept:
                kept_length[a] = length[a]
                for q in range(length[a]):
                    kept[a, q] = routes[a, q]
                continue
            length[a] = kept_length[a]
            carried[a], kilos[a], litres[a] = 0, 0, 0
            for q in range(length[a]):
                j = kept[a, q]
                routes[a, q] = j
                trip[j] = a
                carried[a] += count[j]
                kilos[a] += weight[j]
                litres[a] += volume[j]
            _measure(a, routes, length, drive, home, cap, service, at, slack)
        if now > top:
            top = now
            _copy(routes, length, top_routes, top_length)
    _copy(routes, length, kept, kept_length)
    _copy(top_routes, top_length, routes, length)
    return top


_N, _X = "int64", "float64"
_I1, _I2, _I3 = "int64[::1]", "int64[:, ::1]", "int64[:, :, ::1]"
_J2, _S2, _S3 = "int32[:, ::1]", "int16[:, ::1]", "int16[:, :, ::1]"
_B1, _U1 = "boolean[::1]", "uint64[::1]"
_TABLES = (_I3, _S3, _I3, _S3, _I3)

TYPES = {
    completions: (*6 * (_I1,), _B1, _I1, *3 * (_N,), *_TABLES, _I2),
    useful_arcs: (*6 * (_I1,), _B1, _I1, *5 * (_N,), *_TABLES[:3], _I3, _I3, _S3, _B1),
    bundles: (
        *9 * (_I1,), *8 * (_N,), _I1, _I1, _I2, _I1, _N, *_TABLES, *3 * (_N,),
        _I2, _U1, _S2, "int32[::1]", "int8[::1]", _U1, _I1, _I1,
    ),
    insertion_floor: (_I2, _N, _I1),
    anneal: (
        *3 * (_J2,), _I2, *8 * (_I1,), _N, _N, _I1, _I1, _S2, _S2, _I1, _U1, _N, _X, _X, _I3, _S3, _I2, _I2, _I2,
    ),
}  # fmt: skip
"""What each kernel takes, in numba's words."""
HELPERS = (allowance, _slot, _draw, _copy, _measure)
"""What the kernels call: each once for every type it is called with."""
