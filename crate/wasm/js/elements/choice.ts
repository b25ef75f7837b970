/** A video that may be announced. */
export interface NextItem {
  id: string;
  /** Title, where it is known. */
  title?: string;
}

/**
 * What plays next: the rest of the playlist before any recommendation, and never what was just seen. A playlist goes on
 * behind the video that plays; where that one is not in it, it begins at its start.
 */
export function nextItem(watching: string, playlist: readonly NextItem[], recommended: readonly NextItem[], seen: ReadonlySet<string>): NextItem | undefined {
  const at = playlist.findIndex(({ id }) => id === watching);
  const fresh = ({ id }: NextItem) => id !== watching && !seen.has(id);
  return playlist.slice(at + 1).find(fresh) ?? recommended.find(fresh);
}
