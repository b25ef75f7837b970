// The arms: ways to fill the same places for the same people. Each is made once for its site.
import { Device } from "./device.mjs";

/** Rows by what was found relevant most often up to the last training, ties in the server's order. */
const byPopularity = (rows) => rows.toSorted((a, b) => b.log_popularity - a.log_popularity);

/** Whoever is not known to the server asks as nobody in particular. */
const accountOf = (viewer) => (viewer.known ? viewer.id : undefined);

/** An arm that shows a block's rows in an order, without those that the viewer is done with. */
function served(block, order) {
  return {
    async slate(viewer, visit) {
      const { rows, bundle_id: bundle } = await block(viewer, visit);
      const left = order(rows, viewer).filter(({ id }) => !viewer.done.has(id));
      return { videos: left.slice(0, visit.shows).map(({ id }) => id), bundle };
    },
  };
}

/** The block of the viewer's account. */
const own = (site, { candidates }) => (viewer) => site.block({ account: accountOf(viewer), languages: viewer.languages, size: candidates });

/** The public block of the viewer's languages; kept for a day, as a cache near the viewer would. */
function publicBlock(site, { candidates }) {
  const kept = new Map();
  return ({ languages }, { at }) => {
    const key = `${languages} ${Math.floor(at / 86_400_000)}`;
    if (!kept.has(key)) kept.set(key, site.block({ languages, size: candidates }));
    return kept.get(key);
  };
}

export const ARMS = {
  popularity: {
    what: "the public block of the viewer's languages, most popular first as of the last training",
    make: (site, options) =>
      served(publicBlock(site, options), (rows, { languages }) => byPopularity(rows.filter(({ language }) => language === null || languages.includes(language)))),
  },
  cf: {
    what: "the account's block, what collaborative filtering found alone, in its order; for whom it finds nothing the most popular",
    make: (site, options) =>
      served(own(site, options), (rows) => {
        const isFound = ({ sources }) => sources.includes("cf");
        return [...rows.filter(isFound), ...byPopularity(rows.filter((row) => !isFound(row)))];
      }),
  },
  server: {
    what: "the account's block in the server's order: CF, neighbours, near, fresh, popular, each in the places of its own",
    make: (site, options) => served(own(site, options), (rows) => rows),
  },
  device: {
    what: "the same block, ranked by the npm package with the history of the device",
    make: (site, options) => new Device(site, options, {}),
  },
  explore: {
    what: "the device, with a fifth of the places drawn at random from the block",
    make: (site, options) => new Device(site, options, { explore: 1 }),
  },
  reread: {
    what: "the device, and after a new bundle its history gets that bundle's vectors: what a swap of bundles costs",
    make: (site, options) => new Device(site, options, { reread: true }),
  },
};
