# SPDX-License-Identifier: GPL-2.0-only
# Completion of pvn for bash.

_pvn_guests()
{
	pvn list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_pvn()
{
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} i

	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "create list info console shutdown destroy wait \
			attach detach resize net ring top counters log trace property park unpark census abi version help" -- "$cur")
		return
	fi
	# What follows -- is another program's: its name, then files.
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -- ]] || continue
		compopt -o filenames
		if ((COMP_CWORD == i + 1)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		return
	done
	if [[ $cur == -* ]]; then
		local options="--json --help"
		case $command in
		create) options+=" --wait --console" ;;
		shutdown) options+=" --reboot --wait --timeout" ;;
		wait) options+=" --timeout" ;;
		top) options+=" --batch --delay --count" ;;
		log) options+=" --follow" ;;
		trace) options+=" --guest --vp --name --calls --exits --summary --seconds --count --record --read" ;;
		counters) options+=" --all --diff --" ;;
		destroy) options+=" --all" ;;
		console) options+=" --number" ;;
		detach) options+=" --force --timeout" ;;
		resize) options+=" --shrink" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $command in
	create)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -X '!*.json' -- "$cur"; compgen -d -- "$cur")
		;;
	attach)
		if ((COMP_CWORD == 3)); then
			mapfile -t COMPREPLY < <(compgen -W "disk net" -- "$cur")
		elif ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W "$(_pvn_guests)" -- "$cur")
		fi
		;;
	property)
		if ((COMP_CWORD == 2)); then
			mapfile -t COMPREPLY < <(compgen -W "get set" -- "$cur")
		elif ((COMP_CWORD == 3)); then
			mapfile -t COMPREPLY < <(compgen -W "root $(_pvn_guests)" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "privileges reserve cap weight vendor \
				processor-features xsave-features cache-line" -- "$cur")
		fi
		;;
	trace)
		[[ ${COMP_WORDS[COMP_CWORD-1]} == --guest ]] &&
			mapfile -t COMPREPLY < <(compgen -W "root $(_pvn_guests)" -- "$cur")
		;;
	counters)
		mapfile -t COMPREPLY < <(compgen -W "root $(_pvn_guests)" -- "$cur")
		;;
	info | console | shutdown | destroy | wait | detach | resize | net | ring)
		mapfile -t COMPREPLY < <(compgen -W "$(_pvn_guests)" -- "$cur")
		;;
	esac
}

complete -F _pvn pvn
