import { Argument } from "commander";
import { example, type Syntax } from "../../program/syntax.js";
import { SHELLS } from "./shells.js";

export const completionSyntax: Syntax = (program, run) => {
  const command = program
    .command("completion")
    .description("print what makes a shell complete commands, options, files and columns")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action(run(async () => (await import("./run.js")).completion))
    .addHelpText(
      "after",
      `
bash: source <(goml completion bash)                              in ~/.bashrc
zsh:  source <(goml completion zsh)                               in ~/.zshrc, after compinit
fish: goml completion fish > ~/.config/fish/completions/goml.fish`,
    );
  example(command, "source <(goml completion bash)", "goml completion zsh > ~/.zfunc/_goml");
};
