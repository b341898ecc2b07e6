import type { Shell } from "./shells.js";

/**
 * What a shell runs at its start, so that it asks `goml complete -- words…` for what may stand at the cursor: a line for
 * each value, with a tab and its description; `:files` where files may stand there too, `:nospace` where the word goes on
 * after it. Nothing of what was typed is evaluated, and sourcing a script twice does no harm.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for goml
_goml() {
  local value description
  COMPREPLY=()
  compopt +o default
  while IFS=$'\\t' read -r value description; do
    case $value in
      :files) compopt -o default ;;
      :nospace) compopt -o nospace ;;
      *) COMPREPLY+=("$(printf %q "$value")") ;;
    esac
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -o default -F _goml goml
`,
  zsh: `#compdef goml
# zsh completion for goml
_goml() {
  local value description files
  local -a values nospace
  while IFS=$'\\t' read -r value description; do
    case $value in
      :files) files=1 ;;
      :nospace) nospace=(-S '') ;;
      *) values+=("\${value//:/\\\\:}\${description:+:$description}") ;;
    esac
  done < <(\${(Q)words[1]} complete -- "\${(@Q)words[2,CURRENT]}" 2> /dev/null)
  (( $#values )) && _describe goml values $nospace
  [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _goml ]]; then _goml "$@"; else compdef _goml goml; fi
`,
  fish: `# fish completion for goml
function __goml_complete
    set -l words (commandline -opc)
    for line in (goml complete -- $words[2..-1] (commandline -ct) 2> /dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c goml -f -a '(__goml_complete)'
`,
};
