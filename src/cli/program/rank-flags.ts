import { type Command, InvalidArgumentError } from "commander";
import { count, positive, seconds } from "./option-values.js";

/** The options of commands that several processes can do together; see `asRank`. */
export function rankFlags(command: Command, what: string): void {
  command
    .option(
      "--ranks <n>",
      `how many processes do ${what} together, here; auto: this is one of them, as Slurm, MPI, … say`,
      ranks,
    )
    .option("--rendezvous <host:port>", "where rank 0 listens (default: as whoever starts the ranks says)")
    .option("--rank-token <file>", "what all ranks know, and nobody else (or GOML_RANK_TOKEN)")
    .option("--rank-tls <folder>", "cert.pem, key.pem and ca.pem: ranks speak TLS, for the name goml-ranks")
    .option("--join-timeout <seconds>", "how long to wait for all ranks", seconds, 60)
    .option("--retries <n>", "how often to begin anew where a rank fails or is lost", count, 0);
}

function ranks(text: string): number | "auto" {
  if (text === "auto") return text;
  const number = positive(text);
  if (number > 64) throw new InvalidArgumentError("expected 1 to 64, or auto");
  return number;
}
