import type { BlockInfo } from "../types.js";
import { part } from "./base.js";

/** Elements of a block's thumbnails, by video; one that can't be shown is not in it. */
export type Pictures = Map<string, HTMLImageElement>;

/**
 * Loads all of a block's thumbnails in its order. A card shows the very element that was loaded here: a new one with the
 * same address would be asked for again where the first was not found or may not be kept, and so tell the slate.
 */
export async function loadPictures({ ids, thumbnails }: Pick<BlockInfo, "ids" | "thumbnails">): Promise<Pictures> {
  const pictures: Pictures = new Map();
  const load = async (id: string, src: string) => {
    // The page's address may name the video that is watched; its origin is what hosts of pictures ask for.
    const picture = part("img", "thumbnail", { alt: "", referrerpolicy: "strict-origin", src });
    pictures.set(id, picture);
    await picture.decode().catch(() => pictures.delete(id));
  };
  await Promise.all(thumbnails.map((src, row) => (src ? load(ids[row]!, src) : undefined)));
  return pictures;
}
