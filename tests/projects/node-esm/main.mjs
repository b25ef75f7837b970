import process from "node:process";
import { createRecommender } from "upnext";
import { print } from "../program.mjs";

await print(createRecommender, process.argv[2]);
