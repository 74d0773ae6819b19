import { Argument, type Command } from 'commander';

const SHELLS: Readonly<Record<string, (program: Command) => string>> = { bash, zsh, fish };

/** `clientcert completion SHELL`: what the shell offers after a tab, from the commands as they are. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(SHELLS)))
    .description('a script that lets the shell complete commands and options')
    .addHelpText(
      'after',
      `
Examples:
  # bash, in ~/.bashrc
  $ source <(clientcert completion bash)
  # zsh, in ~/.zshrc after compinit
  $ source <(clientcert completion zsh)
  # fish, once
  $ clientcert completion fish > ~/.config/fish/completions/clientcert.fish

Exit code: 0.`,
    )
    .action((shell: string) => console.log(SHELLS[shell]!(program)));
}

interface Described {
  readonly name: string;
  readonly about: string;
  readonly options: readonly { flag: string; about: string; choices: readonly string[]; takes: boolean }[];
  readonly choices: readonly string[];
}

function describe(program: Command): Described[] {
  return program
    .createHelp()
    .visibleCommands(program)

    .filter((command) => command.name() !== 'help')
    .map((command) => ({
      name: command.name(),
      about: command.description(),
      options: command
        .createHelp()
        .visibleOptions(command)
        .map(({ long, description, argChoices, required }) => ({
          flag: long!,
          about: description,
          choices: argChoices ?? [],
          takes: required,
        })),
      choices: command.registeredArguments[0]?.argChoices ?? [],
    }));
}

function bash(program: Command): string {
  const commands = describe(program);
  const cases = commands.flatMap(({ name, options, choices }) => [
    ...options
      .filter((option) => option.choices.length > 0)
      .map(({ flag, choices: values }) => `    ${name}:${flag}) words='${values.join(' ')}' ;;`),
    `    ${name}:*) words='${[...options.map(({ flag }) => flag), ...choices].join(' ')}' ;;`,
  ]);
  return `_clientcert() {
  local words='' current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='${commands.map(({ name }) => name).join(' ')} --help --version'
  else case "\${COMP_WORDS[1]}:$previous" in
${cases.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _clientcert clientcert`;
}

function zsh(program: Command): string {
  const commands = describe(program);
  const quote = (text: string) => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');
  const cases = commands.map(({ name, options, choices }) => {
    const specs = options.map(
      ({ flag, about, takes, choices: values }) =>
        `'${flag}[${quote(about)}]${takes ? `:value:${values.length > 0 ? `(${values.join(' ')})` : '_files'}` : ''}'`,
    );
    return `    ${name}) _arguments ${[...specs, choices.length > 0 ? `'*:what:(${choices.join(' ')})'` : "'*:file:_files'"].join(' ')} ;;`;
  });
  return `#compdef clientcert
_clientcert() {
  if (( CURRENT == 2 )); then
    local -a commands=(${commands.map(({ name, about }) => `'${name}:${quote(about)}'`).join(' ')})
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
compdef _clientcert clientcert`;
}

function fish(program: Command): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`;
  return describe(program)
    .flatMap(({ name, about, options, choices }) => [
      `complete -c clientcert -n __fish_use_subcommand -f -a ${name} -d ${quote(about)}`,
      ...options.map(
        ({ flag, about: what, takes, choices: values }) =>
          `complete -c clientcert -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${takes ? ' -r' : ''}${values.length > 0 ? ` -f -a ${quote(values.join(' '))}` : ''} -d ${quote(what)}`,
      ),
      ...(choices.length > 0
        ? [
            `complete -c clientcert -n '__fish_seen_subcommand_from ${name}' -f -a ${quote(choices.join(' '))}`,
          ]
        : []),
    ])
    .join('\n');
}
