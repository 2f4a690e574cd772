// The release desk's waiting orders, objections and requests, live: a stop order is to be decided within a minute.
import { Parts } from "./parts.js";

new Parts(document.querySelector("#waits"), document.querySelector("#waits-lost"));
