# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that were trained beforehand: their layers, their weights, what they see."""
